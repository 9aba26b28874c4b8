"""The only code that draws with rich: tables and notes on stdout, progress and warnings on stderr."""
