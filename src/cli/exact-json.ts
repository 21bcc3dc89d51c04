// JSON that keeps every digit, for commands.

export { parseExact } from '../core/exact-json.ts'
