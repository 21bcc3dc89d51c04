/** Something that the person at the keyboard has to change: shown as one line, exit code 2. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}
