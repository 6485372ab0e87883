/** Whether a decimal, as text, is a JavaScript number to its last digit: `9007199254740993` and `1e400` are not. */
export function isExactNumber(text: string): boolean {
  return significant(text) === significant(String(Number(text)))
}

/**
 * {@link isExactNumber} of a number in JSON that the Data API returned, where a double may be printed with all of its 17
 * digits, and where the service itself has made a double of a number that no 64-bit integer holds.
 */
export function isExactInResult(text: string): boolean {
  return (isExactNumber(text) || isTextOfDouble(text)) && !mayBeRounded(text)
}

/** A decimal without the zeros that say nothing, as digits and exponent. */
function significant(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const short = digits.replace(/0+$/, '')
  const scale = Number(exponent) - fraction.length + digits.length - short.length
  return short === '' ? '0' : `${sign}${short}e${scale}`
}

function isTextOfDouble(text: string): boolean {
  const digits = digitsOf(text).length
  return digits <= 17 && significant(text) === significant(Number(text).toPrecision(digits))
}

/** The service prints a double with an exponent from 1e16 on. With 16 or 17 digits it may be the rest of a longer number. */
function mayBeRounded(text: string): boolean {
  return Number(/e(.*)/i.exec(text)?.[1] ?? 0) >= 16 && digitsOf(text).length >= 16
}

/** The digits of a number from the first that is not 0, without its exponent. */
function digitsOf(text: string): string {
  return text
    .replace(/e.*/i, '')
    .replace(/\D/g, '')
    .replace(/^0+(?=\d)/, '')
}

/** What to do about a number in JSON that is not exact: the error to throw. */
type Refusal = (number: string) => Error

/**
 * Reads JSON text. `JSON.parse` alone rounds a number of more digits than a JavaScript number has, and says nothing.
 *
 * @throws what `refusal` makes of such a number, as it stands in the text.
 */
export function parseExactJson(text: string, refusal: Refusal, isExact = isExactNumber): unknown {
  for (const [, number = ''] of text.matchAll(LONG_NUMBER)) {
    if (!isExact(number)) return parseNumberByNumber(text, refusal, isExact)
  }
  return JSON.parse(text) as unknown
}

/** A number of 16 digits or more, or with an exponent: all others keep their digits. Also finds some text in strings. */
const LONG_NUMBER = /(?:^|[\s:[,])(-?(?=\d[\d.]{15}|[\d.]+[eE])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g

type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** Ten times slower than `JSON.parse`. */
function parseNumberByNumber(
  text: string,
  refusal: Refusal,
  isExact: (number: string) => boolean,
): unknown {
  const exact: SourceReviver = (_, value, { source }) => {
    if (typeof value !== 'number' || source === undefined || isExact(source)) return value
    throw refusal(source)
  }
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown) as unknown
}
