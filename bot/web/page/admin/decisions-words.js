/** The words about what owners decided, beside those of the board. */

import { addWords } from "../js/texts.js";

const ZH = {
  decisionsTitle: "资料负责人的决定",
  decisionsNote: "负责人在每周的卡片上做的决定。撤销后，这一项会重新出现在之后的卡片上。",
  noDecisions: "还没有决定。",
  decidedBy: "谁",
  decidedAbout: "关于",
  decision: "决定",
  decided_write: "要写答案",
  decided_right: "仍然正确",
  decided_obsolete: "已过时",
  decided_not_mine: "不归我管",
  item_gap: "没有答案的问题",
  item_disliked: "回答不受欢迎",
  item_stale: "很久没更新",
  item_pair: "说法不一致",
  undoDecision: "撤销",
  undoOf: "撤销关于“{name}”的决定",
  undoneBy: "{name} 已撤销",
  undone: "已撤销。",
  notUndone: "没能撤销，请重新载入页面。",
  calledObsolete: "{name} 说它已过时（{date}）",
};
const EN = {
  decisionsTitle: "Decisions of owners",
  decisionsNote: "What owners decided on their weekly cards. What is undone comes up on later cards again.",
  noDecisions: "No decisions yet.",
  decidedBy: "Who",
  decidedAbout: "About",
  decision: "Decision",
  decided_write: "will answer it",
  decided_right: "still right",
  decided_obsolete: "obsolete",
  decided_not_mine: "not mine",
  item_gap: "question without an answer",
  item_disliked: "disliked answer",
  item_stale: "not edited for long",
  item_pair: "contradiction",
  undoDecision: "Undo",
  undoOf: "Undo the decision about {name}",
  undoneBy: "undone by {name}",
  undone: "Undone.",
  notUndone: "It could not be undone: load the page again.",
  calledObsolete: "{name} called it obsolete ({date})",
};
addWords(ZH, EN);
