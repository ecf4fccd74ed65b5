import { call } from "@/api/client";

/** A customer as the search shows it: personal data masked. */
export interface Found {
  customer_id: string;
  name: string | null;
  phone_tail?: string | null;
  tier?: number | null;
  manager_id?: string | null;
  city?: string | null;
}

/** The text goes as a body: no number of a customer stands in an address or a log. Throws Problem. */
export async function findCustomers(text: string, signal: AbortSignal): Promise<Found[]> {
  const { rows } = await call<{ rows: Found[] }>("POST", "/v1/search", { text, limit: 8 }, { signal });
  return rows;
}

/** What looks like the id of something: an alert, a work item, an SMS, a BOSS record or an event. */
export function looksLikeId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f-]{4,}$/i.test(text) || /^(file|feed):\S+#\S+$/.test(text);
}
