import { useQuery } from "@tanstack/react-query";
import { answer, api } from "@/api/client";
import { useMe } from "@/session/session";

/** Who may hand work over, and so knows the names of colleagues. */
const HANDING_OVER = ["manager", "head", "city_head", "operations", "administrator"];

export function useColleagues() {
  return useQuery({
    queryKey: ["colleagues"],
    queryFn: ({ signal }) => answer(api.GET("/v1/colleagues", { signal })),
    staleTime: 60_000,
    enabled: HANDING_OVER.includes(useMe().role),
  });
}

/** What people call somebody whom a record names by a number: a colleague, oneself; else the number. */
export function useNameOf(): (id: string) => string {
  const me = useMe();
  const { data } = useColleagues();
  return id =>
    data?.find(each => each.manager_id === id)?.name ??
    (id === me.staff_no || id === me.manager_id ? (me.name ?? id) : id);
}
