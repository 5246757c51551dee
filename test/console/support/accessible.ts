// What of a page can be checked by a machine for people who do not see it, or not well (WCAG 2.2 AA): names, structure, contrast. Runs in the page.

import type { Page } from 'playwright-core';

/** Each fault as a sentence; empty = none was found. */
export async function faultsOf(page: Page): Promise<string[]> {
  return await page.evaluate(lookAround);
}

/** How many px the page is wider than its window. */
export async function overflowOf(page: Page): Promise<number> {
  return await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Self-contained: it is sent to the browser as text. */
function lookAround(): string[] {
  const faults: string[] = [];
  const where = (element: Element): string =>
    `<${element.tagName.toLowerCase()} class="${element.getAttribute('class') ?? ''}"> "${(element.textContent ?? '').trim().slice(0, 40)}"`;
  const isShown = (element: Element): boolean =>
    element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) &&
    element.closest('[aria-hidden=true]') === null;

  const headings = [...document.querySelectorAll('h1')].filter(isShown);
  if (headings.length !== 1) faults.push(`${headings.length} headings of the first level`);
  if (document.querySelectorAll('main').length !== 1) faults.push('not exactly one main region');
  if (document.documentElement.lang === '') faults.push('the page does not say its language');
  if (document.title === '') faults.push('the page has no title');

  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  for (const id of new Set(ids.filter((each, index) => ids.indexOf(each) !== index)))
    faults.push(`two elements with the id ${id}`);
  for (const attribute of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'for']) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      const missing = (element.getAttribute(attribute) ?? '')
        .split(/\s+/)
        .filter((id) => document.getElementById(id) === null);
      if (missing.length > 0) faults.push(`${attribute} of ${where(element)} points nowhere: ${missing.join(' ')}`);
    }
  }

  const nameOf = (element: Element): string => {
    const named = (element.getAttribute('aria-labelledby') ?? '')
      .split(/\s+/)
      .map((id) => document.getElementById(id)?.textContent ?? '')
      .join(' ');
    const labels =
      element instanceof HTMLInputElement ||
      element instanceof HTMLSelectElement ||
      element instanceof HTMLTextAreaElement
        ? [...(element.labels ?? [])]
        : [];
    const pictures = [...element.querySelectorAll('img[alt], svg[aria-label]')].map(
      (picture) => picture.getAttribute('alt') ?? picture.getAttribute('aria-label') ?? '',
    );
    const texts = [
      element.getAttribute('aria-label'),
      named,
      ...labels.map((label) => label.textContent),
      element.textContent,
      ...pictures,
    ];
    return texts.map((text) => (text ?? '').trim()).find((text) => text !== '') ?? '';
  };
  for (const element of document.querySelectorAll(
    'a[href], button, input, select, textarea, [role=tab], [role=menuitem]',
  )) {
    if (isShown(element) && nameOf(element) === '') faults.push(`no name: ${where(element)}`);
    if (element instanceof HTMLElement && element.tabIndex > 0)
      faults.push(`out of order for the Tab key: ${where(element)}`);
  }
  for (const image of document.querySelectorAll('img:not([alt])')) faults.push(`no alternative: ${where(image)}`);
  for (const table of document.querySelectorAll('table')) {
    if (isShown(table) && table.querySelector('th') === null) faults.push(`a table without headings: ${where(table)}`);
  }

  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const channels = (color: string): readonly number[] => {
    if (context === null) return [0, 0, 0, 1];
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [r = 0, g = 0, b = 0, a = 0] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top: readonly number[], under: readonly number[]): readonly number[] => {
    const alpha = top[3] ?? 1;
    return [0, 1, 2].map((at) => (top[at] ?? 0) * alpha + (under[at] ?? 0) * (1 - alpha));
  };
  const groundOf = (element: Element | null): readonly number[] => {
    const grounds: (readonly number[])[] = [];
    for (let each = element; each !== null; each = each.parentElement)
      grounds.push(channels(getComputedStyle(each).backgroundColor));
    return grounds.reduceRight((under, top) => over(top, under), channels('Canvas'));
  };
  const light = (color: readonly number[]): number => {
    const [r = 0, g = 0, b = 0] = color.slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (element === null || (node.textContent ?? '').trim() === '' || !isShown(element)) continue;
    // What cannot be used is not held to a contrast; what is for readers alone is not seen; SVG text is filled, not coloured.
    if (element.closest(':disabled, [aria-disabled=true], .visually-hidden, .skip-link, svg, option') !== null)
      continue;
    const style = getComputedStyle(element);
    const ground = groundOf(element);
    const [a, b] = [light(over(channels(style.color), ground)), light(ground)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const isLarge =
      Number.parseFloat(style.fontSize) >= 24 ||
      (Number.parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) faults.push(`contrast ${ratio.toFixed(2)}: ${where(element)}`);
  }
  return [...new Set(faults)];
}
