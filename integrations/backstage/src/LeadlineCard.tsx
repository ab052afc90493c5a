import { useEffect, useState } from 'react';
import { type Answer, type CatalogEntity, type Fetch, askCard } from './provider';

export interface LeadlineCardProps {
  entity: CatalogEntity;
  /** Where the app's backend proxies the provider: `${backend}/api/proxy/leadline`. */
  base: string;
  fetch: Fetch;
}

/** Asks, and shows what comes; what is not known is said. */
export function LeadlineCard({ entity, base, fetch }: LeadlineCardProps) {
  const [shown, show] = useState<{ answer: Answer } | { why: string } | undefined>();
  useEffect(() => {
    let isWanted = true;
    askCard(fetch, base, entity).then(
      answer => isWanted && show({ answer }),
      (error: unknown) => isWanted && show({ why: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      isWanted = false;
    };
  }, [base, entity, fetch]);
  if (shown === undefined) return <p>Asking the provider.</p>;
  if ('why' in shown) return <p role="alert">Findings are not known: {shown.why}.</p>;
  return <CardContent answer={shown.answer} />;
}

const SEVERITIES = ['critical', 'high', 'medium', 'low', 'unknown'] as const;

export function CardContent({ answer }: { answer: Answer }) {
  if (answer === undefined) {
    return <p>No source has reported a finding about it. Its name may be another, or nothing looks at it.</p>;
  }
  const counts = SEVERITIES.filter(name => name !== 'unknown' || answer.unknown > 0);
  return (
    <section aria-label="Leadline">
      {answer.isSilent && <p role="alert">A source is silent: this may be old.</p>}
      <dl>
        {counts.map(name => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{answer[name]}</dd>
          </div>
        ))}
      </dl>
      <p>
        {answer.newSinceYesterday} new since yesterday, {answer.accepted} accepted. As of {answer.asOf}, by{' '}
        {answer.sources.join(', ')}.
      </p>
      <ul>
        {answer.worst.map(one => (
          <li key={`${one.source} ${one.fingerprint} ${one.ordinal}`}>
            {one.severity}: {one.control}
            {one.path && ` at ${one.path}`} ({one.source})
          </li>
        ))}
      </ul>
    </section>
  );
}
