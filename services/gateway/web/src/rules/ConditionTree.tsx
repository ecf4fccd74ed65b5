import { ArrowDownOutlined, ArrowUpOutlined, DeleteOutlined, PlusOutlined, SwapOutlined } from "@ant-design/icons";
import { Button, Tooltip } from "antd";
import type { ReactNode } from "react";
import { FaultsAt, useEdit } from "@/documents/edit";
import { documentsText } from "@/documents/messages";
import { at, joined, withMoved } from "@/documents/paths";
import { useText } from "@/i18n";
import {
  DEEPEST,
  depthOf,
  type Figure,
  type GroupKind,
  kindOf,
  leavesOf,
  levelOf,
  MOST_LEAVES,
  nodesOf,
  withGroup,
  withNode,
  withNot,
  withoutNode,
} from "./condition";
import styles from "./condition.module.css";
import { LeafFields } from "./LeafFields";
import { conditionText } from "./messages";

interface Props {
  path: string;
  figures: readonly Figure[];
  /** Of a node in a group: its list and its place there. */
  place?: { list: string; n: number; of: number };
}

/** A condition as a tree of sentences: groups of which all or one must hold, each sentence with fields in it. */
export function ConditionTree({ path, figures, place }: Props) {
  const t = useText(conditionText);
  const { document } = useEdit();
  const node = at(document, path);
  const tools = <Tools path={path} place={place} />;
  switch (kindOf(node)) {
    case "all":
    case "any":
      return <Group path={path} figures={figures} tools={tools} />;
    case "not":
      return (
        <div className={styles.not} data-field={path}>
          <div className={styles.line}>
            <b>{t.not}</b>
            {tools}
          </div>
          <FaultsAt path={path} />
          <ConditionTree path={joined(path, "not")} figures={figures} />
        </div>
      );
    case "leaf":
      return (
        <div className={styles.leaf} data-field={path}>
          <LeafFields path={path} figures={figures} />
          {tools}
          <FaultsAt path={path} />
        </div>
      );
    default:
      return (
        <div className={styles.leaf} data-field={path}>
          <span className="kam-secondary">{t.asText}</span>
          {tools}
          <FaultsAt path={path} />
        </div>
      );
  }
}

function Group({ path, figures, tools }: { path: string; figures: readonly Figure[]; tools: ReactNode }) {
  const t = useText(conditionText);
  const { document, set } = useEdit();
  const node = at(document, path);
  const kind = kindOf(node) as GroupKind;
  const { list, nodes } = nodesOf(node, path);
  const isFull = leavesOf(at(document, "when")).length >= MOST_LEAVES;
  // A leaf below this group is one level deeper, one in a further group two.
  const isDeep = levelOf(path) + 2 > DEEPEST;
  const why = isFull ? t.tooMany(MOST_LEAVES) : undefined;
  return (
    <fieldset className={styles.group} data-field={path}>
      <legend className="kam-hidden">{t[kind]}</legend>
      <div className={styles.line}>
        <b>{t[kind]}</b>
        <Button
          size="small"
          type="text"
          icon={<SwapOutlined />}
          onClick={() => set(withGroup(document, path, kind === "all" ? "any" : "all"))}
        >
          {t.turn[kind]}
        </Button>
        {tools}
      </div>
      <FaultsAt path={path} />
      <FaultsAt path={list} />
      <ol className={styles.nodes}>
        {nodes.map((_, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: nodes of a document have no name but their place
          <li key={n}>
            <ConditionTree path={joined(list, n)} figures={figures} place={{ list, n, of: nodes.length }} />
          </li>
        ))}
      </ol>
      <div className={styles.line}>
        <Tooltip title={why}>
          <Button
            size="small"
            icon={<PlusOutlined />}
            disabled={isFull}
            onClick={() => set(withNode(document, list, "leaf"))}
          >
            {t.addCondition}
          </Button>
        </Tooltip>
        {(["all", "any"] as const)
          .filter(each => each !== kind)
          .map(each => (
            <Tooltip key={each} title={why ?? (isDeep ? t.tooDeep(DEEPEST) : undefined)}>
              <Button
                size="small"
                icon={<PlusOutlined />}
                disabled={isFull || isDeep}
                onClick={() => set(withNode(document, list, each))}
              >
                {t.addGroup[each]}
              </Button>
            </Tooltip>
          ))}
      </div>
    </fieldset>
  );
}

/** What is done with a node as a whole. */
function Tools({ path, place }: Pick<Props, "path" | "place">) {
  const t = useText(conditionText);
  const words = useText(documentsText);
  const { document, set } = useEdit();
  const isNot = kindOf(at(document, path)) === "not";
  const isRoot = levelOf(path) === 1;
  const name = t.condition((place?.n ?? 0) + 1);
  const deeper = depthOf(at(document, path)) + levelOf(path) > DEEPEST;
  const move = (by: 1 | -1): void => place && set(withMoved(document, place.list, place.n, by));
  if (isRoot) {
    return null;
  }
  return (
    <span className={styles.tools}>
      {(place || isNot) && (
        <Button
          size="small"
          type="text"
          disabled={!isNot && deeper}
          aria-label={`${t.negate} ${name}`}
          onClick={() => set(withNot(document, path))}
        >
          {t.negate}
        </Button>
      )}
      {place && (
        <>
          <Button
            size="small"
            type="text"
            icon={<ArrowUpOutlined />}
            disabled={place.n === 0}
            aria-label={`${words.up} ${name}`}
            onClick={() => move(-1)}
          />
          <Button
            size="small"
            type="text"
            icon={<ArrowDownOutlined />}
            disabled={place.n === place.of - 1}
            aria-label={`${words.down} ${name}`}
            onClick={() => move(1)}
          />
          <Button
            size="small"
            type="text"
            icon={<DeleteOutlined />}
            aria-label={`${words.remove} ${name}`}
            onClick={() => set(withoutNode(document, path))}
          />
        </>
      )}
    </span>
  );
}
