// Text of anybody's as it is shown: characters that turn the direction of writing could make one text look like another, so they
// are shown as what they are. Pure.

const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g

/** The text with such characters as escapes, `\u202e`: in JSON the same string. */
export function visibleText(text: string): string {
  return text.replaceAll(DIRECTIONS, found => `\\u${found.charCodeAt(0).toString(16)}`)
}
