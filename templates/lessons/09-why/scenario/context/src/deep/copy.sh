echo the program
