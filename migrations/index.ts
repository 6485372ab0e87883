// Generated from the files of this folder by `aurora-migrations index`; do not edit.
import type { Revision } from 'aurora-migrations'
import revision1 from './169ad57156f0_create_teams_table.ts'
import revision2 from './1ce7873ac4ced2_mark_unknown_stock.ts'
import revision3 from './1cea0ac4ced2_create_stock_table.ts'
import revision4 from './29b4c2bfce6d_create_players_table.ts'
import revision5 from './3f6d1c0a84be_create_account_table.ts'

export const revisions: readonly Revision[] = [
  { ...revision1, file: '169ad57156f0_create_teams_table.ts' },
  { ...revision2, file: '1ce7873ac4ced2_mark_unknown_stock.ts' },
  { ...revision3, file: '1cea0ac4ced2_create_stock_table.ts' },
  { ...revision4, file: '29b4c2bfce6d_create_players_table.ts' },
  { ...revision5, file: '3f6d1c0a84be_create_account_table.ts' },
]
