/** What each section of the page gets: the id in the address, and how to open another item. */
export interface SectionProps {
  id: string | undefined;
  open: (id: string | undefined) => void;
}
