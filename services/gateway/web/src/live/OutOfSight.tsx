import { useQueryClient } from "@tanstack/react-query";
import { useLive } from "./live";

/** Lists that take away rows by themselves (`useLiveRows`), in their place. */
const LISTS = ["alerts", "work", "customers"];

/**
 * A customer left what the person may see, or some changes may not have been told: what is kept of what is not on the
 * screen is forgotten, the rest is read anew.
 */
export function OutOfSight() {
  const client = useQueryClient();
  useLive(messages => {
    if (messages.some(({ event }) => event === "gone" || event === "reset")) {
      client.removeQueries({ type: "inactive" });
      void client.invalidateQueries({ predicate: ({ queryKey }) => !LISTS.includes(String(queryKey[0])) });
    }
  });
  return null;
}
