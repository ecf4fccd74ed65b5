import { answer, api, type Schema, whole } from "@/api/client";
import { requestKey } from "@/api/requestKey";

export type SavedView = Schema<"SavedView">;
export type ViewBody = Schema<"ViewBody">;

export function readViews(page: SavedView["page"], signal?: AbortSignal): Promise<SavedView[]> {
  return answer(api.GET("/v1/views", { params: { query: { page } }, signal }));
}

/** A new view, or the next version of one that was read. Throws Problem. */
export async function saveView(body: ViewBody, known?: SavedView): Promise<SavedView> {
  const { data } = await whole(
    api.PUT("/v1/views/{id}", {
      params: {
        path: { id: known?.id ?? requestKey() },
        header: known ? { "If-Match": `"${known.version}"` } : {},
      },
      body,
    }),
  );
  return data;
}

export async function removeView(id: string): Promise<void> {
  await whole(api.DELETE("/v1/views/{id}", { params: { path: { id } } }));
}

/** The filter of an address as a view keeps it: without the item that is open, the panel's tab and the view itself. */
export function queryOf(search: string): string {
  return search
    .replace(/^\?/, "")
    .split("&")
    .filter(part => part && !/^(item|view|tab|at|as|node)=/.test(part))
    .join("&");
}
