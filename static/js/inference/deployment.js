// A deployment's page: the judgement by class can be sorted.

import { makeSortable } from "../evaluation/sortable.js";

makeSortable(document);
