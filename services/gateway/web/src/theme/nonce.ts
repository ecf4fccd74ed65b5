/** The nonce of this copy of the page, by which style sheets made at run time are let in (gateway/web.py). */
export const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce || undefined;

/**
 * Some of antd's parts (the scroll lock under a dialog) make style sheets without asking `ConfigProvider csp`. Every style
 * element that a script of ours creates gets the nonce; markup that somebody smuggles in creates none this way.
 */
export function giveNonceToStyles(): void {
  const create = document.createElement.bind(document);
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const element = create(name, options);
    if (nonce && element instanceof HTMLStyleElement) {
      element.nonce = nonce;
    }
    return element;
  }) as typeof document.createElement;
}
