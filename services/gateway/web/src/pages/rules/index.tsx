import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { common, useText } from "@/i18n";

export default function Rules() {
  const t = useText(common);
  return (
    <Page title={t.nav.rules}>
      <EmptyState text={t.empty.yet} />
    </Page>
  );
}
