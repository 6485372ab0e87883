import { internalFailure } from '../service-error.ts'

/** Years the service's date type can hold; beyond them, as for infinity, the call breaks down. */
const yearLimit = 262_143

/** A date as the service prints it: years outside 0000–9999 get a sign. */
export function dateText(text: string): string {
  const [, year, rest, bc] = /^(\d{4,})(-\d\d-\d\d)( BC)?$/.exec(text) ?? []
  if (year === undefined) throw internalFailure()
  const number = bc === undefined ? Number(year) : 1 - Number(year)
  if (Math.abs(number) > yearLimit) throw internalFailure()
  if (number >= 0 && number <= 9999) return `${String(number).padStart(4, '0')}${rest}`
  return `${number < 0 ? '-' : '+'}${String(Math.abs(number)).padStart(4, '0')}${rest}`
}

/** No fraction, milliseconds or microseconds: the shortest of the three that loses nothing. */
export function timeText(text: string): string {
  const [clock = text, fraction = ''] = text.split('.')
  if (fraction === '') return clock
  return `${clock}.${fraction.padEnd(fraction.length <= 3 ? 3 : 6, '0')}`
}

/** A timestamp with or without zone, in UTC and without naming a zone. */
export function timestampText(text: string): string {
  const parts = /^(\d{4,}-\d\d-\d\d) ([\d:.]+)([+-][\d:]+)?( BC)?$/.exec(text)
  if (parts === null) throw internalFailure()
  const [, date = '', time = '', offset = '+00', bc = ''] = parts
  if (/^[+-]00(:00)*$/.test(offset)) return `${dateText(date + bc)} ${timeText(time)}`
  return inUtc(date, time, offset, bc)
}

/** Only a session that changed its TimeZone has an offset other than zero. */
function inUtc(date: string, time: string, offset: string, bc: string): string {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number)
  const [clock = '', fraction] = time.split('.')
  const seconds = secondsOf(clock) - secondsOf(offset.slice(1)) * (offset[0] === '-' ? -1 : 1)
  const moment = new Date(0)
  moment.setUTCFullYear(bc === '' ? year : 1 - year, month - 1, day)
  moment.setUTCSeconds(seconds)
  const iso = moment.toISOString()
  const [isoDate = '', isoTime = ''] = iso.split('T')
  const signless = isoDate.replace(/^[+-]0*(?=\d{4})/, '')
  const sign = isoDate[0] === '-' || isoDate[0] === '+' ? isoDate[0] : ''
  return `${sign}${signless} ${timeText(isoTime.slice(0, 8) + (fraction ? `.${fraction}` : ''))}`
}

function secondsOf(clock: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = clock.split(':').map(Number)
  return hours * 3600 + minutes * 60 + seconds
}
