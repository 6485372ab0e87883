/** `base`, or with a number after it, such that the text of a statement holds it nowhere. */
export function unusedName(base: string, text: string): string {
  const lowerCase = text.toLowerCase()
  let name = base
  for (let number = 2; lowerCase.includes(name); number += 1) name = `${base}_${number}`
  return name
}
