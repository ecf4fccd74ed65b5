import { queryOptions } from "@tanstack/react-query";
import { api, type Schema, whole } from "@/api/client";

export type Release = Schema<"ReleaseView">;

/** What the brake holds, and what it held; ``missing``: services of which something may be lacking. */
export const releases = queryOptions({
  queryKey: ["releases"],
  queryFn: async ({ signal }) => {
    const { data, response } = await whole(api.GET("/v1/releases", { signal }));
    return { all: data, missing: response.headers.get("Kam-Missing")?.split(", ") ?? [] };
  },
});
