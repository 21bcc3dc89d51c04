// JSON and what only looks like it, made by the kinds of things that go wrong in it (RFC 8259): which byte was left out, which
// number no grammar has. What may be read in two ways is not here; see `bad-inputs.ts` for what Errand says of that.

/** A text with a name by which a failure can be found. */
export interface JsonCase {
  readonly name: string
  readonly text: string
}

const named = (kind: string, texts: readonly string[]): JsonCase[] =>
  texts.map((text, at) => ({ name: `${kind} ${at + 1}: ${JSON.stringify(text.slice(0, 40))}`, text }))

const BLANKS = ['', ' ', '\t', '\n', '\r', ' \t\r\n ']
const NUMBERS = ['0', '-0', '7', '-7', '123456789012345678901234567890', '0.5', '-0.5', '1e5', '1E5', '1e+5', '1e-5']
const EDGE_NUMBERS = [
  '1e400',
  '-1e400',
  '1e-400',
  '9007199254740993',
  '0.1e1',
  '20e1',
  '-1',
  '1.5e+9999',
  '0e+1',
  '0E0',
]
const ESCAPES = [
  ...['\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t'],
  ...['\\u0000', '\\u001f', '\\u00e9', '\\u2028', '\\ud83d\\ude00', '\\uD83D\\uDE00', '\\uFEFF'],
]
const CHARACTERS = [
  'é',
  'e\u0301',
  '日本',
  '😀',
  '\u2028',
  '\u2029',
  '\u007f',
  '\u0085',
  '\uFEFF',
  '\u202e',
  '\uffff',
  '</script>',
]
const STRINGS = [...ESCAPES, ...CHARACTERS].map(inside => `"${inside}"`)
const SCALARS = ['null', 'true', 'false', '""', ...NUMBERS, ...EDGE_NUMBERS, ...STRINGS]
const OBJECTS = [
  '{}',
  '{"":0}',
  '{"a":1,"a":2}',
  '{"a":{"a":1},"a":1}',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"\\u0061":1,"a":2}',
  '{"payload":1,"v":2}',
  '{"x":",\\"payload\\":","y":"}"}',
  '{"toString":1,"hasOwnProperty":2,"length":3}',
]

/** Every one is JSON, and is to come out byte for byte as it went in. */
export const JSON_TEXTS: readonly JsonCase[] = [
  ...named('a scalar', SCALARS),
  ...named(
    'blanks',
    BLANKS.flatMap(blank => [
      `[${blank}]`,
      `{${blank}}`,
      `[${blank}1${blank},${blank}2${blank}]`,
      `{${blank}"a"${blank}:${blank}1${blank}}`,
    ]),
  ),
  ...named(
    'in an array',
    SCALARS.map(scalar => `[${scalar},${scalar}]`),
  ),
  ...named(
    'a name',
    STRINGS.map(string => `{${string}:${string}}`),
  ),
  ...named('an object', OBJECTS),
]

const CLOSERS = [
  '[',
  '{',
  '[1',
  '[1,',
  '{"a"',
  '{"a":',
  '{"a":1',
  '{"a":1,',
  '"',
  '"a',
  '"\\',
  '["',
  '[[1]',
  '{"a":[1}',
  '[1}',
]
const COMMAS = [
  '[,1]',
  '[1,]',
  '[1,,2]',
  '[,]',
  '{,}',
  '{"a":1,}',
  '{"a":1,,"b":2}',
  '[1 2]',
  '{"a":1 "b":2}',
  '["a" "b"]',
]
const COLONS = ['{"a"}', '{:1}', '{"a"::1}', '{"a" 1}', '{"a",1}', '[1:2]', '{"a":}', '{:}']
const NO_NUMBERS = [
  ...[
    '+1',
    '01',
    '-01',
    '00',
    '.5',
    '5.',
    '-',
    '-.5',
    '1e',
    '1e+',
    '1E-',
    '1.e1',
    '0x1',
    '1_000',
    '1,5',
    '0b1',
    '1f',
    '--1',
    '1-1',
  ],
  ...['NaN', 'Infinity', '-Infinity', '\uff11', '0e', '1.2.3', '1e1.5', '2n'],
]
const NO_WORDS = ['True', 'NULL', 'nul', 'tru', 'undefined', 'nulll', 'a', "'a'", '`a`', 'nan', '*', '//', '<null>']
const NO_NAMES = ['{a:1}', "{'a':1}", '{1:1}', '{null:1}', '{[]:1}', '{"a":1}x', '{"a"b:1}', '{{}}', '{[1]}']
const NO_ESCAPES = [
  '\\x41',
  '\\u',
  '\\u1',
  '\\u12g4',
  '\\U0041',
  '\\0',
  '\\a',
  "\\'",
  '\\ ',
  '\\é',
  '\\\u0000',
  '\\u+123',
  '\\ud83d\\u',
]
const NO_CHARACTERS = Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code))
const NO_BLANKS = ['\f', '\v', '\u00a0', '\u0085', '\u2003', '\u2028', '\u2060', '\uFEFF', '\u0000']
const COMMENTS = ['[1]//x', '/*x*/[1]', '[1/*x*/]', '[1]#x', '<!--[1]-->']
const MORE = [
  '[1]]',
  '{}}',
  '[1][1]',
  '1 2',
  '""""',
  'null null',
  '[1]x',
  '{}"',
  ']',
  '}',
  ',',
  ':',
  '[1]\u0000',
  '[1],',
]

/** None is JSON. The empty text is for the reader to say. */
export const NO_JSON_TEXTS: readonly JsonCase[] = [
  ...named('not closed', CLOSERS),
  ...named('commas', COMMAS),
  ...named('colons', COLONS),
  ...named('no number', NO_NUMBERS),
  ...named(
    'no number in an array',
    NO_NUMBERS.filter(text => text !== '1,5').map(text => `[${text}]`),
  ),
  ...named('no word', NO_WORDS),
  ...named('no name', NO_NAMES),
  ...named(
    'no escape',
    NO_ESCAPES.map(escape => `"${escape}"`),
  ),
  ...named(
    'no character of a string',
    NO_CHARACTERS.map(character => `"${character}"`),
  ),
  ...named(
    'no blank',
    NO_BLANKS.map(blank => `[${blank}1]`),
  ),
  ...named('a comment', COMMENTS),
  ...named('more than one', MORE),
]
