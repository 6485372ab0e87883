/** How the service refuses an id that is not open. */
export function notFound(id: string, reason: string) {
  return {
    name: 'TransactionNotFoundException',
    message: `Transaction ${id} is not found. ${reason}`,
    status: 404,
  }
}

export const expired = 'Transaction may be expired.'
export const terminated = 'One previous call resulted in a termination of your transaction.'
export const aborted = 'Transaction has been aborted due to an error from a previous call.'
