import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { answer, api, type Schema } from "@/api/client";
import { useLive } from "@/live/live";

export type Contacts = Schema<"Contacts">;

/** Most that one request takes. */
const AT_ONCE = 100;
/** What live messages change is read anew so soon, and not more often, in ms. */
const SOON_MS = 1500;

interface Waiting {
  id: string;
  resolve: (found: Contacts | null) => void;
  reject: (error: unknown) => void;
}

let waiting: Waiting[] = [];

/** What should be seen before this customer is contacted. */
export function useContacts(customerId: string) {
  return useQuery({ queryKey: ["contacts", customerId], queryFn: () => contactsOf(customerId) });
}

/** All who are asked for at one time, as by the cards of a list, go in one request; null: not known, or out of sight. */
export function contactsOf(customerId: string): Promise<Contacts | null> {
  return new Promise((resolve, reject) => {
    if (waiting.push({ id: customerId, resolve, reject }) === 1) {
      setTimeout(ask);
    }
  });
}

function ask(): void {
  // In one order: the same customers asked again are the same read to the audit.
  const asked = waiting.sort((a, b) => (a.id < b.id ? -1 : 1));
  waiting = [];
  for (let at = 0; at < asked.length; at += AT_ONCE) {
    void askPart(asked.slice(at, at + AT_ONCE));
  }
}

async function askPart(part: readonly Waiting[]): Promise<void> {
  try {
    const customer = part.map(({ id }) => id).join(",");
    const rows = await answer(api.GET("/v1/contacts", { params: { query: { customer } } }));
    const found = new Map(rows.map(row => [row.customer_id, row]));
    for (const { id, resolve } of part) {
      resolve(found.get(id) ?? null);
    }
  } catch (error) {
    for (const { reject } of part) {
      reject(error);
    }
  }
}

/** Keeps it as it is now: alerts, work and SMS of a customer may have changed it. */
export function FollowContacts() {
  const client = useQueryClient();
  const changed = useRef(new Set<unknown>());
  // What was missed may be of anybody.
  const isReset = useRef(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useLive(messages => {
    for (const { event, data } of messages) {
      if (["alerts", "work", "sms"].includes(event)) {
        changed.current.add((data as { customer_id: string }).customer_id);
      }
      isReset.current ||= event === "reset";
    }
    if (changed.current.size > 0 || isReset.current) {
      timer.current ??= setTimeout(() => {
        const ids = changed.current;
        const isAll = isReset.current;
        changed.current = new Set();
        isReset.current = false;
        timer.current = undefined;
        void client.invalidateQueries({
          predicate: ({ queryKey: [name, id] }) => name === "contacts" && (isAll || ids.has(id)),
        });
      }, SOON_MS);
    }
  });
  return null;
}
