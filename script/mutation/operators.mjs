// What is changed, and into what: the mutants of one source, from its syntax tree.
//
// The operators are the sufficient ones (Offutt et al. 1996: relations, logic, arithmetic, unary; and statement deletion),
// less those that others subsume (Kaminski, Ammann, Offutt 2013; Just, Schweiggert 2015): whoever kills the ones left
// kills the ones left out.
//
// | operator | changes | into | left out |
// | -------- | ------- | ---- | -------- |
// | relation | `<` | `<=`, `!=`, false | the other relations, true |
// |          | `<=` | `<`, `==`, true | the others, false; `>` and `>=` likewise |
// |          | `==` | `<=`, `>=`, false | the others, true; `!=` likewise |
// |          | `== 0`, `!= 0`, `> 0` of what has no sign | true, false | the relations: each is one of the two, or the same |
// |          | likewise with the largest number of the type | true, false | |
// | logic | `a && b` | `a`, `b`, `a == b`, false | what an operand's own mutants do |
// |       | a condition that is neither | true, false | its negation |
// | arithmetic | `+` `-` | each other, and `a` alone | all other operators |
// |            | `*` `/` `%` | `/` `*` `/` | |
// | bits | `a & b` | `a \| b`, `a` | |
// |      | `a \| b` | `a`, `b` | `a & b` |
// |      | a shift | the other way | |
// | unary | `~a`, `!a`, `++a`, `--a` | `a`, `a`, `--a`, `++a` | |
// | deletion | a statement, a modifier | nothing | the only statement of an if: its condition is made false |
// | assembly | a number | the next | |
// |          | add, sub, and, or, shl, shr, gt, lt, iszero | its opposite | |
// |          | a statement that is no assignment | nothing | |
//
// Not changed: constants (their uses are); and what would be the same: a `<` in a loop's header into `!=`, a function's
// last statement where it returns zero.
import { spanOf, walk } from "./syntax.mjs";

const RELATIONS = {
  "<": ["<=", "!=", false],
  ">": [">=", "!=", false],
  "<=": ["<", "==", true],
  ">=": [">", "==", true],
  "==": ["<=", ">=", false],
  "!=": ["<", ">", true],
};
const LOGIC = { "&&": ["==", false], "||": ["!=", true] };
const ARITHMETIC = { "+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "<<": ">>", ">>": "<<", "&": "|" };
// Of these, the first operand alone is a mutant as well; of `|` both are.
const ALONE = new Set(["+", "-", "&", "|"]);
const OPPOSITE = { add: "sub", sub: "add", and: "or", or: "and", shl: "shr", shr: "shl", gt: "lt", lt: "gt" };
const STATEMENTS = new Set(["ExpressionStatement", "EmitStatement", "RevertStatement", "Return", "Break", "Continue"]);
const squeezed = (string) => string.replace(/\s+/g, " ").trim();
const isVerdict = (node) => node.nodeType === "BinaryOperation" && (node.operator in RELATIONS || node.operator in LOGIC);
const isUnsigned = (node) => /^(uint|bytes\d|address|enum)/.test(node.typeDescriptions.typeString);
const isMax = (node, type) => node.memberName === "max" && node.typeDescriptions.typeString === type;
const isNumber = (node) => /^(t_rational|t_stringliteral)/.test(node.typeDescriptions?.typeIdentifier ?? "");

/** The constants that are zero, by their ids in the trees. */
export function constantZeros(trees) {
  const zeros = new Set();
  walk(Object.values(trees), (node) => {
    if (node.nodeType === "VariableDeclaration" && node.constant && node.value?.value === "0") zeros.add(node.id);
  });
  return zeros;
}

/**
 * The mutants of one source. Each has an operator, the place it stands in (`function`, `line`; `start` and `stop`, in
 * bytes), what a reader is told (`old` stood there, `new` does now), and its site: the node that a switch is woven around
 * (`outer`, `site` in bytes, and `woven`, the site's text as it would be). `kind` says what that node is: an expression, a
 * statement or a function. Of `zeros`, a comparison with zero has fewer mutants.
 */
export function mutantsOf(path, tree, source, zeros) {
  const bytes = Buffer.from(source);
  const isZero = (node) =>
    (node.nodeType === "Literal" && node.value === "0") ||
    (node.kind === "typeConversion" && isZero(node.arguments[0])) ||
    zeros.has(node.referencedDeclaration);
  const text = ({ start, stop }) => bytes.subarray(start, stop).toString();
  const mutants = [];

  /** Changes `node` into `into`, at the site of `outer`. */
  function add(operator, kind, node, into, parents, outer = node, told = node) {
    const at = node.nodeType === undefined ? node : spanOf(node);
    const site = outer.nodeType === undefined ? outer : spanOf(outer);
    const within = ({ start, stop }) => text({ start, stop: at.start }) + into + text({ start: at.stop, stop });
    const shown = told.nodeType === undefined ? told : spanOf(told);
    const named = parents.findLast((p) => ["FunctionDefinition", "ModifierDefinition"].includes(p.nodeType) && p.name !== "");
    const owner = parents.findLast((p) => p.nodeType === "ContractDefinition");
    mutants.push({
      file: path,
      function: (named ?? owner)?.name ?? "",
      line: bytes.toString("utf8", 0, at.start).split("\n").length,
      operator,
      ...at,
      old: squeezed(text(shown)),
      new: squeezed(within(shown)),
      kind,
      site,
      outer,
      woven: within(site),
    });
  }

  const operand = (node) =>
    ["BinaryOperation", "Conditional", "Assignment"].includes(node.nodeType) ? `(${text(spanOf(node))})` : text(spanOf(node));

  function binary(node, parents) {
    const { operator, leftExpression: left, rightExpression: right } = node;
    const change = (name, into) => add(name, "expression", node, into, parents);
    const between = (other) => `${operand(left)} ${other} ${operand(right)}`;
    if (operator in RELATIONS) {
      const type = left.typeDescriptions.typeString;
      if (type === "bool") return change("relation", between(operator === "==" ? "!=" : "=="));
      const bound = (isZero(right) && isUnsigned(left) && ["==", "!=", ">"]) || (isMax(right, type) && ["==", "!=", "<"]) || [];
      if (bound.includes(operator)) {
        return ["true", "false"].forEach((into) => change("relation", into));
      }
      const chain = [...parents, node];
      const counts = chain.some((p, i) => p.nodeType === "ForStatement" && p.condition === chain[i + 1]);
      for (const into of RELATIONS[operator]) {
        if (typeof into === "boolean") change("relation", String(into));
        else if (!(counts && operator === "<" && into === "!=")) change("relation", between(into));
      }
    } else if (operator in LOGIC) {
      const [differs, constant] = LOGIC[operator];
      change("logic", text(spanOf(left)));
      change("logic", text(spanOf(right)));
      change("logic", `(${text(spanOf(left))}) ${differs} (${text(spanOf(right))})`);
      const does = (one) => RELATIONS[one.operator]?.includes(constant) || LOGIC[one.operator]?.includes(constant) || isZero(one.rightExpression ?? {});
      if (![left, right].some(does)) change("logic", String(constant));
    } else {
      const name = ["&", "|", "^", "<<", ">>"].includes(operator) ? "bits" : "arithmetic";
      if (operator in ARITHMETIC) change(name, between(ARITHMETIC[operator]));
      if (ALONE.has(operator) && !isNumber(left)) change(name, text(spanOf(left)));
      if (operator === "|" && !isNumber(right)) change(name, text(spanOf(right)));
    }
  }

  /** A condition that is no relation and no logic of others. */
  function condition(node, parents, loops) {
    if (isVerdict(node) || (node.nodeType === "Literal")) return;
    for (const into of loops ? ["false"] : ["true", "false"]) add("logic", "expression", node, into, parents);
  }

  function unary(node, parents) {
    const inner = text(spanOf(node.subExpression));
    const judged = parents.at(-1)?.condition === node || parents.at(-1)?.nodeType === "Return";
    if (node.operator === "~" || (node.operator === "!" && !judged)) add("unary", "expression", node, inner, parents);
    const turned = { "++": "--", "--": "++" }[node.operator];
    const counts = parents.at(-2)?.nodeType === "ForStatement";
    if (turned && !counts) add("unary", "expression", node, node.prefix ? turned + inner : inner + turned, parents);
  }

  /** A statement with the semicolon that its node leaves out. */
  function whole(node) {
    const span = spanOf(node);
    const rest = /^\s*;/.exec(bytes.toString("utf8", span.stop, span.stop + 8));
    return { start: span.start, stop: span.stop + (rest ? rest[0].length : 0) };
  }

  function statement(node, parents) {
    const above = parents.at(-1);
    const block = above.nodeType === "Block" ? parents.at(-2) : above;
    if (above.nodeType === "ForStatement" && above.body !== node) return;
    const alone = above.nodeType !== "Block" || above.statements.length === 1;
    const expression = node.expression;
    if (expression?.nodeType === "Assignment" && expression.operator !== "=") {
      const operator = expression.operator.slice(0, -1);
      const [left, right] = [expression.leftHandSide, expression.rightHandSide].map((side) => text(spanOf(side)));
      if (operator in ARITHMETIC) add("arithmetic", "statement", whole(node), `${left} ${ARITHMETIC[operator]}= ${right};`, parents);
    }
    if (block?.nodeType === "IfStatement" && alone && !block.falseBody) return;
    const returned = parents.find((p) => p.nodeType === "FunctionDefinition")?.returnParameters.parameters ?? [];
    // What points to storage or call data has to be assigned.
    if (/ (storage pointer|calldata)$/.test(expression?.leftHandSide?.typeDescriptions.typeString ?? "")) return;
    if (node.nodeType === "Return" && returned.some((r) => ["storage", "calldata"].includes(r.storageLocation))) return;
    // At the end of a function nothing is what it answers anyway.
    const last = above.nodeType === "Block" && above.statements.at(-1) === node && block?.nodeType === "FunctionDefinition";
    if (node.nodeType === "Return" && last && (isZero(expression ?? {}) || expression?.value === "false")) return;
    add("deletion", "statement", whole(node), "", parents);
  }

  /** Each of a function's modifiers left out: a function of its own with the same body, called in its place. */
  function modifiers(node, parents) {
    for (const modifier of node.modifiers) {
      if (modifier.kind === "modifierInvocation") add("deletion", "function", modifier, "", [...parents, node], node);
    }
  }

  function assembly(block, parents) {
    walk(block.AST, (node, within) => {
      // A number alone would not say which it is.
      const told = [...within, node].findLast((one) => /^Yul(Assignment|VariableDeclaration|ExpressionStatement|If|Switch)$/.test(one.nodeType));
      const inner = (into, what = node) => add("assembly", "statement", what, into, parents, block, told);
      if (node.nodeType === "YulLiteral" && node.kind === "number") {
        const next = BigInt(node.value) + 1n;
        inner(node.value.startsWith("0x") ? `0x${next.toString(16)}` : String(next));
      } else if (node.nodeType === "YulFunctionCall") {
        const name = node.functionName.name;
        if (name in OPPOSITE) inner(OPPOSITE[name], node.functionName);
        if (name === "iszero") inner(text(spanOf(node.arguments[0])));
      } else if (node.nodeType === "YulExpressionStatement") {
        inner("");
      }
    });
    return false;
  }

  walk(tree, (node, parents) => {
    const type = node.nodeType;
    if (type === "VariableDeclaration" && node.constant) return false;
    if (["StructDefinition", "UsingForDirective", "ErrorDefinition", "EventDefinition"].includes(type)) return false;
    if (type === "InlineAssembly") return assembly(node, parents);
    if (type === "FunctionDefinition" && node.kind === "function") modifiers(node, parents);
    if (STATEMENTS.has(type)) statement(node, parents);
    if (["IfStatement", "Conditional"].includes(type)) condition(node.condition, [...parents, node], false);
    if (type === "WhileStatement") condition(node.condition, [...parents, node], true);
    if (type === "Return" && node.expression?.typeDescriptions.typeString === "bool") {
      condition(node.expression, [...parents, node], false);
    }
    // Numbers are worked out by the compiler: no switch fits in.
    if (type === "BinaryOperation" && !isNumber(node)) binary(node, parents);
    if (type === "UnaryOperation" && !isNumber(node)) unary(node, parents);
  });
  return distinct(mutants);
}

/** Without what is the same as another; and numbered where one function has several of a kind. */
function distinct(mutants) {
  const seen = new Set();
  const often = new Map();
  return mutants.filter((mutant) => {
    const place = [mutant.start, mutant.stop, mutant.woven].join();
    if (seen.has(place) || mutant.old === mutant.new) return false;
    seen.add(place);
    const key = [mutant.function, mutant.old, mutant.new].join("\t");
    often.set(key, (often.get(key) ?? 0) + 1);
    if (often.get(key) > 1) mutant.function += `#${often.get(key)}`;
    return true;
  });
}
