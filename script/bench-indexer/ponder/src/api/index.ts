// Ponder asks for one; the benchmark reads its tables.
import { Hono } from "hono";

export default new Hono();
