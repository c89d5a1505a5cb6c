"""The functions of the four-property check (四性检测).  Source: DA/T 70-2018."""
