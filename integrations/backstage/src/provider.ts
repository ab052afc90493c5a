/** What a card asks a Leadline provider; the answer is `Entity` of docs/provider-api.json. */

export interface CatalogEntity {
  metadata: { name: string; annotations?: Record<string, string> };
}

export interface Finding {
  source: string;
  fingerprint: string;
  ordinal: number;
  control: string;
  severity: string;
  path: string;
}

export interface Card {
  kind: string;
  namespace: string;
  name: string;
  asOf: string;
  isSilent: boolean;
  critical: number;
  high: number;
  medium: number;
  low: number;
  unknown: number;
  accepted: number;
  newSinceYesterday: number;
  worst: Finding[];
  sources: string[];
}

/** `undefined` where no source has ever named it: that is not the same as fine. */
export type Answer = Card | undefined;

/** The fetch of the app, which adds what its proxy to the provider asks for; the token stays in Backstage's backend. */
export type Fetch = (url: string) => Promise<{ status: number; json(): Promise<unknown> }>;

const KIND = 'leadline.dev/kind';
const NAMESPACE = 'backstage.io/kubernetes-namespace';
const NAME = 'backstage.io/kubernetes-id';

/** The address of a component's card; its kind is a Deployment where no annotation says otherwise. */
export function cardPath(entity: CatalogEntity): string {
  const notes = entity.metadata.annotations ?? {};
  const words = [notes[KIND] ?? 'Deployment', notes[NAMESPACE] ?? '-', notes[NAME] ?? entity.metadata.name];
  return `/v1/entities/${words.map(encodeURIComponent).join('/')}`;
}

export async function askCard(fetch: Fetch, base: string, entity: CatalogEntity): Promise<Answer> {
  const answer = await fetch(`${base.replace(/\/+$/, '')}${cardPath(entity)}`);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new Error(`the provider answers HTTP ${answer.status}`);
  const card = await answer.json();
  if (!isCard(card)) throw new Error('the answer is not one of a Leadline provider');
  return card;
}

const NUMBERS = ['critical', 'high', 'medium', 'low', 'unknown', 'accepted', 'newSinceYesterday'];

function isCard(value: unknown): value is Card {
  if (typeof value !== 'object' || value === null) return false;
  const card = value as Record<string, unknown>;
  return (
    NUMBERS.every(name => typeof card[name] === 'number') &&
    typeof card['asOf'] === 'string' &&
    typeof card['isSilent'] === 'boolean' &&
    Array.isArray(card['worst']) &&
    Array.isArray(card['sources'])
  );
}
