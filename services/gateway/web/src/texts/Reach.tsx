import { useQuery } from "@tanstack/react-query";
import { Alert } from "antd";
import { answer, api } from "@/api/client";
import { number } from "@/format";
import { useText } from "@/i18n";
import { textsText } from "./messages";

/** Outside production: that SMS reach allowed numbers alone, and how many did not leave for that. */
export function Reach() {
  const t = useText(textsText);
  const { data } = useQuery({
    queryKey: ["status"],
    queryFn: ({ signal }) => answer(api.GET("/v1/status", { signal })),
    refetchInterval: 60_000,
  });
  const told = Object.values(data?.services ?? {}).map(each => each.freshness ?? {});
  if (!told.some(each => each.environment === "test")) {
    return null;
  }
  // Each worker counts them all.
  const kept = Math.max(...told.map(each => Number(each.sms_not_allowed ?? 0)));
  return <Alert type="warning" showIcon role="status" title={t.testReach(number(kept))} />;
}
