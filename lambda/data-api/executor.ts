import { createHash } from 'node:crypto'
import { literal } from './literals.ts'

/**
 * The body of the SQL function that carries out a batch: its argument is a list of statements, its answer a result for
 * each.
 *
 * It stops at the first error, whose effects and those of all before it the block's own subtransaction takes back, and
 * after an answer whose `opened` is 0.
 */
const BODY = `
#variable_conflict use_column
declare
  statement json;
  answer record;
  changed bigint;
  counted bigint := 0;
  results json[] := '{}';
  code text;
  message text;
  hint text;
begin
  begin
    foreach statement in array (select coalesce(array_agg(value order by ordinality), '{}') from json_array_elements(statements) with ordinality) loop
      if (statement->>'answers')::boolean then
        execute statement->>'sql' into answer using counted;
        results := results || to_json(answer);
        counted := 0;
        exit when to_json(answer)->>'opened' = '0';
      else
        execute statement->>'sql';
        get diagnostics changed = row_count;
        if (statement->>'counts')::boolean is null then
          changed := 0;
        end if;
        counted := counted + changed;
        results := results || to_json(changed);
      end if;
    end loop;
  exception when others or query_canceled or assert_failure then
    get stacked diagnostics code = returned_sqlstate, message = message_text, hint = pg_exception_hint;
  end;
  return json_build_object('results', results, 'error', case when code is not null then json_build_object('code', code, 'message', message, 'hint', hint) end);
end `

/**
 * Makes the function. It runs with the rights of whoever calls it.
 *
 * A function and not a `do` block, because that answers nothing: neither the rows changed nor whether the fence held.
 */
export function executorStatement(executor: string): string {
  return `create or replace function ${executor}(statements json) returns json language plpgsql as $executor$${BODY}$executor$`
}

/** SQL that is true where the function is there, is ours to the letter, and may be called by this user. */
export function executorIsThere(executor: string): string {
  const hash = createHash('md5').update(BODY).digest('hex')
  return `exists (select from pg_proc where oid = to_regprocedure(${literal(`${executor}(json)`)}) and md5(prosrc) = '${hash}' and not prosecdef and proconfig is null and has_function_privilege(oid, 'execute'))`
}

/** The statement that carries out a batch, with a `mark` by which its process can be found in `pg_stat_activity`. */
export function batchCall(executor: string, mark: string): string {
  return `${batchCallStart(executor)}:statements::json)::text as outcome /* ${mark} */`
}

/** How each statement of {@link batchCall} begins. */
export function batchCallStart(executor: string): string {
  return `select ${executor}(`
}
