/** A reason why the stack cannot be had, worded for the person at the keyboard: what is wrong and what to do. */
export class StackError extends Error {
  override readonly name = 'StackError'
}
