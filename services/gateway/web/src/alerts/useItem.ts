import { useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "@/api/client";
import { useLive } from "@/live/live";

/** What is open follows what happens to it, by whomever: it is read anew when a live message tells of it. */
function useFollowed(name: "alert" | "work-item", event: "alerts" | "work", field: string, id?: string | null): void {
  const client = useQueryClient();
  useLive(messages => {
    const isTold = messages.some(
      message =>
        message.event === "reset" ||
        (message.event === event && (message.data as Readonly<Record<string, unknown>>)[field] === id),
    );
    if (id && isTold) {
      void client.invalidateQueries({ queryKey: [name, id] });
    }
  });
}

/** One alert as the service has it. */
export function useAlert(id: string | undefined) {
  useFollowed("alert", "alerts", "alert_id", id);
  return useQuery({
    queryKey: ["alert", id],
    queryFn: ({ signal }) => answer(api.GET("/v1/alerts/{id}", { params: { path: { id: id as string } }, signal })),
    enabled: id !== undefined && id !== "",
  });
}

export function useWorkItem(id: string | null | undefined) {
  useFollowed("work-item", "work", "work_id", id);
  return useQuery({
    queryKey: ["work-item", id],
    queryFn: ({ signal }) => answer(api.GET("/v1/work/{id}", { params: { path: { id: id as string } }, signal })),
    enabled: Boolean(id),
  });
}

/** The customer's page: figures, SMS and debt beside the alert. */
export function useCustomerPage(id: string | undefined) {
  return useQuery({
    queryKey: ["customer", id],
    queryFn: ({ signal }) => answer(api.GET("/v1/customers/{id}", { params: { path: { id: id as string } }, signal })),
    enabled: Boolean(id),
    staleTime: 60_000,
  });
}

/** The chain of facts behind an id. */
export function useChain(id: string, enabled: boolean) {
  return useQuery({
    queryKey: ["why", id],
    queryFn: ({ signal }) => answer(api.GET("/v1/why/{id}", { params: { path: { id } }, signal })),
    enabled,
  });
}
