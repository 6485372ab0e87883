import { mutantsOf } from './mutant.ts'

/** Who owns what stands beside the version table. */
export const OWNERS = [
  ...mutantsOf(
    'lambda/ledger/trusted-owners.ts',
    ['owners/untrusted-tables'],
    [
      [
        'a table of any role is used',
        'where not exists (select from "trusted" r where r."role" #= t."owner")',
        'where false',
      ],
      ['a view is as good as a table', 'where t."kind" #<> \'r\' or t."partition"', 'where false'],
      [
        'triggers, rules and policies are not looked at',
        `(p.deptype #= 'a' or p.deptype #= 'i')`,
        "p.deptype #= 'i'",
      ],
      [
        'what a policy reads is not looked at',
        "array[${catalog('pg_rewrite')}, ${catalog('pg_policy')}]",
        "array[${catalog('pg_rewrite')}]",
      ],
      [
        'the functions of operators are not looked at',
        "${catalog('pg_proc')}, ${catalog('pg_operator')}, ${catalog('pg_type')}",
        "${catalog('pg_proc')}, ${catalog('pg_type')}",
      ],
      ['a child counts as nothing', 'i.inhparent #= t."id"', 'false'],
      [
        'a superuser trusts everybody, as a member of all roles',
        'exists (select from "self" s where s."role" #= r."role")',
        '#pg_has_role(r."role", \'member\')',
        ['owners/trusted-owners'],
      ],
      [
        'a role that the current one is a member of is not trusted',
        'exists (select from "self" s where s."role" #= r."role")',
        'false',
        ['owners/trusted-owners'],
      ],
      [
        'a role that is named is not trusted',
        '[DATABASE_OWNER, ...trustedOwners]',
        '[DATABASE_OWNER, ...trustedOwners.slice(99)]',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/ledger/read-statement.ts',
    ['owners/untrusted-tables'],
    [
      [
        'tables are read whoever owns them',
        'when f."problem" is not null or not f."versions" then null',
        'when not f."versions" then null',
      ],
      [
        'a call that may mean another function is made',
        'p.pronargdefaults #> 0',
        'p.pronargdefaults #> 99',
        ['owners/untrusted-functions'],
      ],
      [
        'the right to put triggers on the tables is not told',
        "a.privilege_type #= 'TRIGGER'",
        'false',
        ['owners/trusted-owners'],
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/ledger/version-table.ts',
    ['owners/untrusted-tables'],
    [
      [
        'tables that somebody made meanwhile are used',
        'if found is not null then',
        'if false then',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/batch-executor.ts',
    ['owners/untrusted-functions'],
    [
      [
        'a function that somebody made meanwhile is not looked at again',
        "new Set(['42723', '23505'])",
        'new Set<string>()',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/step-tries.ts',
    ['owners/untrusted-functions'],
    [
      [
        'a function that cannot be called any more fails the run',
        "new Set(['42725', '42883', '42501'])",
        'new Set<string>()',
      ],
    ],
  ),
]
