// What may stand in a place where messages of one shape differ. Plain numbers, since both the learner and the matcher, which is
// compiled to WebAssembly, go by them.

/** Any JSON value that nobody asks for. */
export const ANY = 0;
/** As ANY, where all values so far were whole numbers: most of what varies is a time. */
export const DIGITS = 1;
/** A text, since the plain path insists on one: the schema and the table. */
export const TEXT = 2;
/** The row before the change, or null. */
export const OBJECT_OR_NULL = 3;
/** A whole number or null: positions and transactions of the log. */
export const INTEGER_OR_NULL = 4;
/** When the change was committed. */
export const COMMITTED_AT = 5;
/** A column that is read. It stands in a leaf; a shape has one of the following in its place, by the field's form and schema. */
export const FIELD = 6;
/** What is tried before the field's own `read`: nothing, … */
export const PLAIN_FIELD = 7;
export const INTEGER_FIELD = 8;
export const MICROS_FIELD = 9;
export const TEXT_FIELD = 10;
export const DECIMAL_TEXT_FIELD = 11;
export const DECIMAL_BASE64_FIELD = 12;
/** … or either of the last two, by the look of the value. */
export const DECIMAL_FIELD = 13;
/** A row that is not read. */
export const OBJECT = 14;
