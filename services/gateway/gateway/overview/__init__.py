"""Sums of the workbench for a period (``figures``) and for a unit (``team``): counted from the read model's lists, each
with the filter of the list by which exactly the rows that it counts are found."""
