/** One line for the person who watches. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
