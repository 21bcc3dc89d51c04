/** Progress for the person who waits. To stderr, because stdout is for the figures. */
export function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}
