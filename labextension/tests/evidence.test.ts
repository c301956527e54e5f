import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import { evidencePath } from '../src/evidence';

/** A notebook in the folder `risk`, on a server whose root the kernel knows as `/home/ana`. */
const resolver: IRenderMime.IResolver = {
  resolveUrl: url => Promise.resolve(`risk/${url}`),
  getDownloadUrl: url => Promise.resolve(`/files/${url}`),
  resolvePath: path =>
    Promise.resolve(
      path.startsWith('/home/ana/') ? { path: path.slice('/home/ana/'.length), scope: 'server' } : null
    )
};

test('an absolute path below the root is found there', async () => {
  assert.equal(
    await evidencePath('/home/ana/risk/a.aureus/runs/1', resolver),
    'risk/a.aureus/runs/1/evidence.md'
  );
});

test('a relative path is beside the notebook', async () => {
  assert.equal(await evidencePath('a.aureus/runs/1/', resolver), 'risk/a.aureus/runs/1/evidence.md');
  assert.equal(await evidencePath('my a.aureus/x.md', resolver), 'risk/my a.aureus/x.md');
});

test('an absolute path that the server does not show is nowhere', async () => {
  assert.equal(await evidencePath('/etc/a.aureus/runs/1', resolver), null);
  const kernelOnly = {
    ...resolver,
    resolvePath: () => Promise.resolve({ path: 'x', scope: 'kernel' as const })
  };
  assert.equal(await evidencePath('/etc/a.aureus/runs/1', kernelOnly), null);
});

test('nothing but a file of the server is ever opened', async () => {
  for (const path of [
    '',
    'javascript:alert(1)',
    'https://evil.example/x.md',
    'DATA:text/html,x',
    '//evil/x',
    '\\\\evil\\x'
  ]) {
    assert.equal(await evidencePath(path, resolver), null, path);
  }
  assert.equal(await evidencePath('a.aureus/runs/1', null), null);
});
