import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, whole } from "@/api/client";
import { Page } from "@/components/Page";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { useText } from "@/i18n";
import { ChoicesForm } from "./ChoicesForm";
import { isUnderWay } from "./choices";
import { noticesText } from "./messages";
import { Recent } from "./Recent";

const NOTICES = ["notices"] as const;
const SOON_MS = 1500;

/** How somebody is told away from the screen, and what they were told last. */
export default function Notices() {
  const t = useText(noticesText);
  const client = useQueryClient();
  const query = useQuery({
    queryKey: NOTICES,
    queryFn: async ({ signal }) => {
      const { data, response } = await whole(api.GET("/v1/me/notices", { signal }));
      return { notices: data, etag: response.headers.get("ETag") ?? "" };
    },
    refetchInterval: ({ state }) => (isUnderWay(state.data?.notices) ? SOON_MS : false),
  });
  return (
    <Page title={t.title}>
      <p className="kam-secondary">{t.intro}</p>
      <QueryBlock query={query} what={t.title} skeleton={<Skeletons n={5} height={96} />}>
        {({ notices, etag }) => (
          <>
            <ChoicesForm
              key={etag}
              notices={notices}
              etag={etag}
              onChanged={() => client.invalidateQueries({ queryKey: NOTICES })}
            />
            <Recent recent={notices.recent} />
          </>
        )}
      </QueryBlock>
    </Page>
  );
}
