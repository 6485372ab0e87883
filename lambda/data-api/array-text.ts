/** The elements of an array as PostgreSQL prints it; an array of more dimensions has arrays in it. */
export type ArrayElements = (string | null | ArrayElements)[]

/** Reads an array as PostgreSQL prints it: `{1,NULL,"a \"b\""}`, `{{1,2},{3,4}}`, `[0:1]={1,2}`. */
export function arrayElements(text: string): ArrayElements {
  // Elements of an array that does not begin at 1 have their numbers in front.
  return new ArrayReader(text, text.indexOf('{')).read()
}

class ArrayReader {
  readonly #text: string
  #at: number

  constructor(text: string, at: number) {
    this.#text = text
    this.#at = at
  }

  /** From `{` to after its `}`. */
  read(): ArrayElements {
    const elements: ArrayElements = []
    do {
      this.#at += 1
      const element = this.#element()
      if (element !== undefined) elements.push(element)
    } while (this.#text[this.#at] === ',')
    this.#at += 1
    return elements
  }

  /** Nothing at all in `{}`. */
  #element(): ArrayElements[number] | undefined {
    const first = this.#text[this.#at]
    if (first === '{') return this.read()
    if (first === '"') return this.#quoted()
    if (first === '}') return undefined
    const start = this.#at
    while (!/[,}]/.test(this.#text[this.#at] ?? '}')) this.#at += 1
    const element = this.#text.slice(start, this.#at)
    return element === 'NULL' ? null : element
  }

  /** A backslash stands before each quote and backslash. */
  #quoted(): string {
    const start = this.#at + 1
    let at = start
    while (this.#text[at] !== '"') at += this.#text[at] === '\\' ? 2 : 1
    this.#at = at + 1
    return this.#text.slice(start, at).replace(/\\(.)/gs, '$1')
  }
}
