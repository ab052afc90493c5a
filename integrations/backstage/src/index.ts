export { CardContent, LeadlineCard, type LeadlineCardProps } from './LeadlineCard';
export { askCard, cardPath, type Answer, type Card, type CatalogEntity, type Fetch, type Finding } from './provider';
