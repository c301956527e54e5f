import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

/** The file of an evidence pack that is written for people. */
const FOR_PEOPLE = 'evidence.md';

/**
 * Where a run's evidence is among the files that the Jupyter server shows, or null when it shows it nowhere.
 * `path` is as the kernel knows it, absolute or relative to the notebook. A stored output may hold any text here: only a
 * place among the server's own files is returned, never another address.
 */
export async function evidencePath(
  path: string,
  resolver: IRenderMime.IResolver | null
): Promise<string | null> {
  if (!path || !resolver || /^[a-z][a-z0-9+.-]*:/i.test(path) || /^[\\/]{2}/.test(path)) {
    return null;
  }
  const file = path.endsWith('.md') ? path : `${path.replace(/\/+$/, '')}/${FOR_PEOPLE}`;
  if (resolver.resolvePath) {
    const found = await resolver.resolvePath(file);
    if (found?.scope === 'server') {
      return found.path;
    }
  }
  if (file.startsWith('/')) {
    return null;
  }
  return decodeURI(await resolver.resolveUrl(encodeURI(file)));
}
