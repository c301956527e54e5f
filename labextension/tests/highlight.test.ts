import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bodyOf, isGoverned } from '../src/cell';
import { governedLanguage } from '../src/highlight';

/** The words of a cell that the language sees as SQL keywords. */
async function keywords(source: string): Promise<string[]> {
  const tree = (await governedLanguage()).parser.parse(source);
  const words = [...source.matchAll(/\w+/g)];
  return words
    .filter(word => {
      const node = tree.resolveInner(word.index, 1);
      return node.name === 'Keyword' && node.from === word.index;
    })
    .map(word => word[0]);
}

test('only a first line of %%aureus makes a cell ours', () => {
  for (const line of ['%%aureus', '%%aureus --purpose risk', '  %%aureus x <<']) {
    assert.ok(isGoverned(line), line);
  }
  for (const line of ['', 'select 1', '%aureus status', '%%aureusx', '# %%aureus', '%%sql']) {
    assert.ok(!isGoverned(line), line);
  }
});

test('a body is SQL by its first word, unless --as says otherwise', () => {
  const sql = (source: string) => bodyOf(source)?.sql;
  for (const body of [
    'select 1',
    '\n -- a\n/* b **/ WITH x as (select 1) from x',
    'FROM loans',
    '(select 1)'
  ]) {
    assert.equal(sql(`%%aureus\n${body}`), true, body);
  }
  for (const body of ['expected loss by sector?', 'show me the loans', '', '/* open']) {
    assert.equal(sql(`%%aureus\n${body}`), false, body);
  }
  assert.equal(sql('%%aureus --as question\nselect the best loans'), false);
  assert.equal(sql('%%aureus --as=sql --purpose risk\nsummarise'), true);
  assert.equal(bodyOf('%%aureus'), null);
  assert.equal(bodyOf('x = 1\nselect 1'), null);
});

test('the body of a governed cell is read as SQL, from its first line on', async () => {
  assert.deepEqual(await keywords('%%aureus\nselect a from t where b'), ['select', 'from', 'where']);
  assert.deepEqual(await keywords('%%aureus --as question\nselect a from t'), []);
  assert.deepEqual(await keywords('select = 1'), []);
});
