import { readFileSync } from 'node:fs';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { CardContent } from './LeadlineCard';
import { type Card, askCard, cardPath } from './provider';

const card: Card = {
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  asOf: '2027-01-31T10:00:00Z',
  isSilent: false,
  critical: 1,
  high: 2,
  medium: 0,
  low: 0,
  unknown: 0,
  accepted: 3,
  newSinceYesterday: 1,
  worst: [{ source: 'eu', fingerprint: 'ab', ordinal: 1, control: 'C-0057', severity: 'critical', path: 'spec' }],
  sources: ['eu', 'us'],
};
const entity = (annotations: Record<string, string>) => ({ metadata: { name: 'web', annotations } });
const answering = (status: number, value: unknown) => async () => ({ status, json: async () => value });

describe('the address of a card', () => {
  it('follows the annotations', () => {
    const notes = { 'backstage.io/kubernetes-namespace': 'shop', 'backstage.io/kubernetes-id': 'web' };
    expect(cardPath(entity(notes))).toBe('/v1/entities/Deployment/shop/web');
    expect(cardPath(entity({ ...notes, 'leadline.dev/kind': 'CronJob' }))).toBe('/v1/entities/CronJob/shop/web');
    expect(cardPath(entity({}))).toBe('/v1/entities/Deployment/-/web');
  });
  it('leads nowhere else whatever a name is', () => {
    expect(cardPath(entity({ 'backstage.io/kubernetes-id': '../../v1/findings?x=' }))).toBe(
      '/v1/entities/Deployment/-/..%2F..%2Fv1%2Ffindings%3Fx%3D',
    );
  });
});

describe('an answer', () => {
  it('is a card', async () => {
    expect(await askCard(answering(200, card), 'https://b/api/proxy/leadline/', entity({}))).toEqual(card);
  });
  it('that is missing is not fine', async () => {
    expect(await askCard(answering(404, {}), '', entity({}))).toBeUndefined();
    expect(renderToStaticMarkup(<CardContent answer={undefined} />)).toContain('No source has reported');
  });
  it.each([
    [403, {}],
    [500, {}],
    [200, {}],
    [200, { ...card, critical: '0' }],
    [200, null],
  ])('of %s that is none is an error', async (status, value) => {
    await expect(askCard(answering(status, value), '', entity({}))).rejects.toThrow();
  });
});

describe('a card', () => {
  it('shows numbers, their age and what is worst', () => {
    const text = renderToStaticMarkup(<CardContent answer={card} />);
    for (const part of ['<dt>critical</dt><dd>1</dd>', '3 accepted', '2027-01-31T10:00:00Z', 'C-0057', 'eu, us']) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('unknown');
  });
  it('says that a source is silent', () => {
    expect(renderToStaticMarkup(<CardContent answer={{ ...card, isSilent: true }} />)).toContain('may be old');
  });
  it('makes no markup of names', () => {
    const text = renderToStaticMarkup(<CardContent answer={{ ...card, sources: ['<img src=x>'] }} />);
    expect(text).not.toContain('<img');
  });
  it('has the fields of the document of the API', () => {
    const document = JSON.parse(readFileSync('../../docs/provider-api.json', 'utf8'));
    expect(Object.keys(document.components.schemas.Entity.properties).sort()).toEqual(Object.keys(card).sort());
  });
});
