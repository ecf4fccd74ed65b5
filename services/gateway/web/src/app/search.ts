import { call } from "@/api/client";

/** A customer as the search shows it: personal data masked. */
export interface FoundCustomer {
  customer_id: string;
  customer_name: string | null;
  phone: string | null;
  manager_name: string | null;
}

/** An alert, work item or SMS whose id begins with what was typed. */
export interface FoundItem {
  list: "alerts" | "work" | "sms";
  id: string;
  kind: string | null;
  state: string;
  customer_name: string | null;
}

export interface Found {
  customers: FoundCustomer[];
  items: FoundItem[];
}

/** The text goes as a body: no number of a customer stands in an address or a log. Throws Problem. */
export function find(text: string, signal: AbortSignal): Promise<Found> {
  return call<Found>("POST", "/v1/search", { text, limit: 8 }, { signal });
}

/** Where an item is looked at; an SMS has no page but its chain of causes. */
export function placeOf(item: FoundItem): string {
  return `/${item.list === "sms" ? "why" : item.list}/${encodeURIComponent(item.id)}`;
}

/** What only the chain of causes knows: a BOSS record by its file and line or its source and number, or an event. */
export function looksLikeRecord(text: string): boolean {
  return /^(file|feed):\S+#\S+$/.test(text) || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
