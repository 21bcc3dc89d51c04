// Door `errand/console`: pages and an API to see what happens, to find activities, and to act.

export { createConsole } from './console.ts'
export type { Console } from './console.ts'
export { checkConsoleOptions } from './console-options.ts'
export type { ConsoleDiagnosis, ConsoleFinding, ConsoleOptions, Redactable } from './console-options.ts'
export { ACTS } from './audit.ts'
export type { Act, AuditEntry } from './audit.ts'
