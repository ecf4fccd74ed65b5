import { useQuery } from "@tanstack/react-query";
import { answer, api, type Schema } from "@/api/client";
import { useLanguage, useText } from "@/i18n";
import styles from "./admin.module.css";
import type { Grant } from "./grants";
import { adminText } from "./messages";

interface Props {
  grants: readonly Grant[];
  /** The role as it would be. */
  role?: Schema<"DraftRole">;
}

/** What it would come to, in a sentence, before anything is saved. */
export function Effect({ grants, role }: Props) {
  const t = useText(adminText);
  const language = useLanguage();
  const { data, isFetching } = useQuery({
    queryKey: ["effect", grants, role],
    queryFn: ({ signal }) =>
      answer(api.POST("/v1/admin/effect", { body: { grants: [...grants], role: role ?? null }, signal })),
    enabled: grants.length > 0 || role !== undefined,
    retry: false,
    placeholderData: last => last,
  });
  return (
    <p className={styles.effect} aria-live="polite" aria-busy={isFetching}>
      <b>{t.effect.title}</b>{" "}
      {data ? (
        <>
          {data[language]}
          {typeof data.people === "number" && <> · {t.role.people(data.people)}</>}
        </>
      ) : (
        isFetching && t.effect.loading
      )}
    </p>
  );
}
