import { createHash } from 'node:crypto'
import { qualified } from '../sql/qualified.ts'

/**
 * The body of the SQL function that carries out a batch: its argument is a list of statements, its answer a result for
 * each.
 *
 * It stops at the first error, whose effects and those of all before it the block's own subtransaction takes back, and
 * after an answer whose `opened` is 0.
 */
const BODY = qualified`
${'#variable_conflict use_column'}
declare
  statement #json;
  answer #record;
  changed #int8;
  counted #int8 := 0;
  results #json[] := '{}';
  code #text;
  message #text;
  hint #text;
  context #text;
begin
  begin
    foreach statement in array (select coalesce(#array_agg(value order by ordinality), '{}') from #json_array_elements(statements) with ordinality) loop
      if (statement #->> 'answers')::#bool then
        execute statement #->> 'sql' into answer using counted;
        results := results #|| #to_json(answer);
        counted := 0;
        exit when #to_json(answer) #->> 'opened' #= '0';
      else
        execute statement #->> 'sql';
        get diagnostics changed = row_count;
        if (statement #->> 'counts')::#bool is null then
          changed := 0;
        end if;
        counted := counted #+ changed;
        results := results #|| #to_json(changed);
      end if;
    end loop;
  exception when others or query_canceled or assert_failure then
    get stacked diagnostics code = returned_sqlstate, message = message_text, hint = pg_exception_hint, context = pg_exception_context;
  end;
  return #json_build_object('results', results, 'error', case when code is not null then #json_build_object('code', code, 'message', message, 'hint', hint, 'context', context) end);
end `

/**
 * Makes the function. It runs with the rights of whoever calls it, and with the search path of the revision's
 * statements: a function with settings of its own would change theirs.
 *
 * A function and not a `do` block, because that returns nothing: neither the rows changed nor whether the fence held.
 */
export function executorStatement(
  executor: string,
  { replace = false }: { readonly replace?: boolean } = {},
): string {
  return qualified`create ${replace ? 'or replace ' : ''}function ${executor}(statements #json) returns #json language plpgsql as $executor$${BODY}$executor$`
}

/** SQL that is true where a row of `pg_proc` is our function to the letter. */
export function isExecutor(row: string): string {
  const hash = createHash('sha256').update(BODY).digest('hex')
  return qualified`(#encode(#sha256(#convert_to(${row}.prosrc, 'UTF8')), 'hex') #= '${hash}' and not ${row}.prosecdef and ${row}.proconfig is null and ${row}.provolatile #= 'v' and ${row}.prorettype #= 'pg_catalog.json'::#regtype and ${row}.prolang #= (select l.oid from #pg_language l where l.lanname #= 'plpgsql'))`
}

/** The statement that carries out a batch, with a `mark` by which its process can be found in `pg_stat_activity`. */
export function batchCall(executor: string, mark: string): string {
  return qualified`${batchCallStart(executor)}:statements::#json)::#text as outcome /* ${mark} */`
}

/** How each statement of {@link batchCall} begins. */
export function batchCallStart(executor: string): string {
  return `select ${executor}(`
}
