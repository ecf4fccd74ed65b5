import { DeleteOutlined, DownOutlined } from "@ant-design/icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Checkbox, Input, Popover, Tag } from "antd";
import { useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { asProblem } from "@/api/client";
import { useUndo } from "@/habits/undo";
import { useLanguage, useText } from "@/i18n";
import { useMe } from "@/session/session";
import styles from "./lists.module.css";
import { listText } from "./messages";
import { queryOf, readViews, removeView, type SavedView, saveView } from "./views";

interface Props {
  page: SavedView["page"];
  columns: readonly string[];
  /** The columns of a view that was chosen. */
  onColumns: (keys: string[] | null) => void;
}

/** Filter and columns under a name: choose one, save what is set now, share it with one's unit. */
export function SavedViews({ page, columns, onColumns }: Props) {
  const t = useText(listText);
  const language = useLanguage();
  const me = useMe();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { pathname, search } = useLocation();
  const { tell } = useUndo();
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [isShared, setShared] = useState(false);
  const key = ["views", page];
  const { data: views = [] } = useQuery({ queryKey: key, queryFn: ({ signal }) => readViews(page, signal) });
  const current = views.find(view => view.id === new URLSearchParams(search).get("view"));
  const again = (): Promise<void> => client.invalidateQueries({ queryKey: key });

  const choose = (view?: SavedView): void => {
    setOpen(false);
    onColumns(view?.columns.length ? view.columns : null);
    const parts = view ? [view.query, `view=${view.id}`] : [];
    void navigate({ pathname: `/${pathname.split("/")[1]}`, search: parts.filter(Boolean).join("&") });
  };
  const save = async (known?: SavedView): Promise<void> => {
    const title = known?.name ?? name.trim();
    try {
      const saved = await saveView(
        {
          page,
          name: title,
          query: queryOf(search),
          columns: [...columns],
          unit_id: known ? known.unit_id : isShared ? (me.unit_id ?? null) : null,
        },
        known,
      );
      await again();
      tell({ text: t.saved(title) });
      setName("");
      setOpen(false);
      void navigate(
        { pathname, search: [saved.query, `view=${saved.id}`].filter(Boolean).join("&") },
        { replace: true },
      );
    } catch (error) {
      tell({ text: t.notSaved(asProblem(error).said(language)), tone: "error" });
    }
  };
  const remove = async (view: SavedView): Promise<void> => {
    try {
      await removeView(view.id);
      await again();
      tell({
        text: t.removed(view.name),
        undo: async () => {
          const { name, query, columns: kept, unit_id } = view;
          await saveView({ page, name, query, columns: kept, unit_id });
          await again();
        },
      });
    } catch (error) {
      tell({ text: t.notSaved(asProblem(error).said(language)), tone: "error" });
    }
  };

  return (
    <Popover
      trigger="click"
      placement="bottomLeft"
      open={isOpen}
      onOpenChange={setOpen}
      title={t.views}
      content={
        <div className={styles.views}>
          <div className={styles.view}>
            <Button type="text" onClick={() => choose()}>
              {t.bare}
            </Button>
          </div>
          {views.map(view => (
            <div key={view.id} className={styles.view}>
              <Button type={view.id === current?.id ? "link" : "text"} onClick={() => choose(view)}>
                {view.name}
              </Button>
              {view.unit_id && <Tag>{t.shared}</Tag>}
              {view.is_own && (
                <Button
                  type="text"
                  size="small"
                  icon={<DeleteOutlined />}
                  aria-label={`${t.remove} ${view.name}`}
                  onClick={() => void remove(view)}
                />
              )}
            </div>
          ))}
          {views.length === 0 && <span className="kam-secondary">{t.noViews}</span>}
          <div className={styles.save}>
            <Input
              value={name}
              maxLength={60}
              aria-label={t.name}
              placeholder={t.namePlaceholder}
              onChange={event => setName(event.target.value)}
              onPressEnter={event => !event.nativeEvent.isComposing && name.trim() && void save()}
            />
            {me.unit_id && (
              <Checkbox checked={isShared} onChange={event => setShared(event.target.checked)}>
                {t.share}
              </Checkbox>
            )}
            <div className={styles.view}>
              <Button type="primary" disabled={!name.trim()} onClick={() => void save()}>
                {t.saveView}
              </Button>
              {current?.is_own && <Button onClick={() => void save(current)}>{t.saveChange}</Button>}
            </div>
          </div>
        </div>
      }
    >
      <Button>
        {current?.name ?? t.view} <DownOutlined aria-hidden />
      </Button>
    </Popover>
  );
}
