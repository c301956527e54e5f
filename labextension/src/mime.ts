import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { MIME_TYPE, readCard, type ICard } from './card';
import { toCsv } from './csv';
import { evidencePath } from './evidence';
import { cardView, element, type IWords } from './view';

/** Shows a run. What is not a run of version 1 is shown as the plain text beside it. */
class RunWidget extends Widget implements IRenderMime.IRenderer {
  constructor(private readonly options: IRenderMime.IRendererOptions) {
    super();
    this.addClass('jp-AureusOutput');
    this.trans = (options.translator ?? nullTranslator).load('aureus_jupyter');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const card = readCard(model.data[MIME_TYPE]);
    if (card === null) {
      const text = model.data['text/plain'];
      const words = typeof text === 'string' ? text : this.trans.__('This is not a run of AUREUS.');
      this.node.replaceChildren(element('pre', 'plain', words));
      return;
    }
    const view = cardView(card, this.trans, status => void this.copy(card, status));
    this.node.replaceChildren(view.node);
    if (view.evidence) {
      await this.link(card.evidence.path, view.evidence);
    }
  }

  private async copy(card: ICard, status: HTMLElement): Promise<void> {
    try {
      await navigator.clipboard.writeText(toCsv(card));
      const count = card.rows.length;
      status.textContent =
        count === 1 ? this.trans.__('1 row copied.') : this.trans.__('%1 rows copied.', String(count));
    } catch {
      // The clipboard is the browser's to refuse: an insecure address or a user's no.
      status.textContent = this.trans.__('The browser does not let this page copy.');
    }
  }

  /** Make the evidence's name a link, where the server shows that file. */
  private async link(path: string, place: HTMLElement): Promise<void> {
    const { resolver, linkHandler } = this.options;
    const file = await evidencePath(path, resolver);
    if (file === null || resolver === null) {
      return;
    }
    const anchor = document.createElement('a');
    anchor.textContent = path;
    anchor.href = await resolver.getDownloadUrl(encodeURI(file));
    linkHandler?.handleLink(anchor, file);
    place.replaceChildren(anchor);
  }

  private readonly trans: IWords;
}

/** Runs are shown by elements and text alone, so an untrusted notebook may show them too. */
export const rendererFactory: IRenderMime.IRendererFactory = {
  safe: true,
  mimeTypes: [MIME_TYPE],
  defaultRank: 10,
  createRenderer: options => new RunWidget(options)
};

const extension: IRenderMime.IExtension = {
  id: '@aureus/lab:run',
  description: 'Shows the outcome, table, lineage and evidence of an AUREUS run.',
  rendererFactory,
  dataType: 'json'
};

export default extension;
