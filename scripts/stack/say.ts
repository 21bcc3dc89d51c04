/** Progress for the person who waits. To stderr, because stdout is for what `eval` or another program reads. */
export function say(text: string): void {
  process.stderr.write(`stack: ${text}\n`)
}
