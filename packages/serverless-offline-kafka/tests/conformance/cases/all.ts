// The suite, and what checks that README.md claims nothing else.
import "./access.ts";
import "./batches.ts";
import "./declaration.ts";
import "./delivery.ts";
import "./destinations.ts";
import "./environment.ts";
import "./event.ts";
import "./failure.ts";
import "./filtering.ts";
import "./registry.ts";
import "./scaling.ts";
import "./start.ts";
