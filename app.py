from sweepplan.app import main

main()
