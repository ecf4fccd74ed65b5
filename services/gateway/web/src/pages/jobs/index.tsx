import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { common, useText } from "@/i18n";

export default function Jobs() {
  const t = useText(common);
  return (
    <Page title={t.nav.jobs}>
      <EmptyState text={t.empty.yet} />
    </Page>
  );
}
